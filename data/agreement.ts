/** How well the prices of a rule pack agree with prices that were really asked, over many sales. */

export interface Agreement {
  sales: number;
  /** Averages over the sales. */
  realPrice: number;
  packPrice: number;
  /** Pearson's, between -1 and 1; 0 where one of the two never moves. */
  correlation: number;
  /** Mean of |pack price - real price|; NaN where only sums of the real prices are known. */
  meanAbsoluteDeviation: number;
  /** Of the sales whose pack price a bound held. */
  cappedShare: number;
}

/** Sums over sales, from which the figures follow. */
export class AgreementSums {
  private sales = 0;
  private capped = 0;
  private deviations = 0;
  private readonly sum = { real: 0, pack: 0, realSquare: 0, packSquare: 0, product: 0 };

  /** Adds one sale. */
  add(realPrice: number, packPrice: number, isCapped: boolean, count = 1): void {
    this.deviations += count * Math.abs(packPrice - realPrice);
    this.addSums(count * realPrice, count * realPrice ** 2, count, packPrice, isCapped);
  }

  /** Adds sales of one pack price of whose real prices only sums are known; the deviation then is too. */
  addGroup(
    real: { sum: number; squareSum: number; count: number },
    packPrice: number,
    isCapped: boolean,
  ): void {
    this.deviations = Number.NaN;
    this.addSums(real.sum, real.squareSum, real.count, packPrice, isCapped);
  }

  figures(): Agreement {
    const { sales, sum } = this;
    const covariance = sum.product / sales - (sum.real / sales) * (sum.pack / sales);
    const realVariance = sum.realSquare / sales - (sum.real / sales) ** 2;
    const packVariance = sum.packSquare / sales - (sum.pack / sales) ** 2;
    const spread = Math.sqrt(Math.max(0, realVariance) * Math.max(0, packVariance));
    return {
      sales,
      realPrice: sum.real / sales,
      packPrice: sum.pack / sales,
      correlation: spread > 1e-9 ? covariance / spread : 0,
      meanAbsoluteDeviation: this.deviations / sales,
      cappedShare: this.capped / sales,
    };
  }

  private addSums(real: number, realSquare: number, count: number, pack: number, capped: boolean) {
    this.sales += count;
    if (capped) this.capped += count;
    this.sum.real += real;
    this.sum.realSquare += realSquare;
    this.sum.pack += count * pack;
    this.sum.packSquare += count * pack ** 2;
    this.sum.product += real * pack;
  }
}

/** For people: three digits, shares in per cent. */
export function agreementText(name: string, figures: Agreement): string {
  const { sales, realPrice, packPrice, correlation, meanAbsoluteDeviation, cappedShare } = figures;
  const columns = [
    name.padEnd(34),
    String(sales).padStart(7),
    realPrice.toFixed(2).padStart(8),
    packPrice.toFixed(2).padStart(8),
    correlation.toFixed(3).padStart(7),
    meanAbsoluteDeviation.toFixed(2).padStart(8),
    `${(100 * cappedShare).toFixed(1)} %`.padStart(8),
  ];
  return columns.join(" ");
}

export const AGREEMENT_HEADING = [
  "".padEnd(34),
  ...["sales", "real", "pack", "corr.", "abs.dev.", "capped"].map((name, i) =>
    name.padStart([7, 8, 8, 7, 8, 8][i] ?? 8),
  ),
].join(" ");
