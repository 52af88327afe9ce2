/** Who a client says it is at the token endpoint: by HTTP Basic or in the form, not both (RFC 6749, 2.3). */

export interface ClientCredentials {
  id: string;
  secret: string;
  isBasic: boolean;
}

const BASIC = /^Basic +([A-Za-z0-9+/=]+)$/i;

/** The credentials, or a sentence on what is wrong with how they were sent. */
export function clientCredentials(
  authorization: string | null,
  form: URLSearchParams,
): ClientCredentials | string {
  const [id, secret] = [form.get("client_id"), form.get("client_secret")];
  if (authorization !== null) {
    if (secret !== null) return "Send the key by HTTP Basic or in the form, not both.";
    const basic = fromBasic(authorization);
    if (basic === null)
      return "The Authorization header is not HTTP Basic of client_id and client_secret.";
    if (id !== null && id !== basic.id) return "Two different clients are named.";
    return basic;
  }
  if (id === null || secret === null) return "client_id and client_secret are required.";
  return { id, secret, isBasic: false };
}

function fromBasic(authorization: string): ClientCredentials | null {
  const encoded = BASIC.exec(authorization)?.[1];
  if (encoded === undefined) return null;
  const text = Buffer.from(encoded, "base64").toString("utf8");
  const colon = text.indexOf(":");
  if (colon === -1) return null;
  const id = formDecoded(text.slice(0, colon));
  const secret = formDecoded(text.slice(colon + 1));
  return id === null || secret === null ? null : { id, secret, isBasic: true };
}

/** Both halves are encoded as in a form before they are joined. */
function formDecoded(text: string): string | null {
  try {
    return decodeURIComponent(text.replaceAll("+", " "));
  } catch {
    return null;
  }
}
