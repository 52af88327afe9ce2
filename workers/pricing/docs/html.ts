/** HTML from values: whatever is put into a template is escaped, unless it is HTML already. */
export interface Html {
  readonly html: string;
}

type Content = string | number | Html | readonly Content[];

export function html(parts: TemplateStringsArray, ...contents: Content[]): Html {
  return { html: String.raw({ raw: parts }, ...contents.map(textOf)) };
}

function textOf(content: Content): string {
  if (Array.isArray(content)) return content.map(textOf).join("");
  if (typeof content === "object" && "html" in content) return content.html;
  return String(content)
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}

/** A sentence in which backticks mark code. */
export function prose(text: string): Html {
  const parts = text.split("`").map((part, i) => (i % 2 === 0 ? part : html`<code>${part}</code>`));
  return html`${parts}`;
}

/** A whole page. It loads nothing from anywhere, and may not. */
export function htmlResponse(title: string, body: Html): Response {
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${title}</title>
<style>${STYLE}</style>
</head>
<body>${body}</body>
</html>
`;
  return new Response(page.html, {
    headers: {
      "content-type": "text/html; charset=utf-8",
      "content-security-policy":
        "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
      "x-content-type-options": "nosniff",
      "referrer-policy": "no-referrer",
      // Browsers heed it where the page came by https, and for the whole host; no answer to a program needs it.
      "strict-transport-security": "max-age=31536000",
      "cache-control": "public, max-age=300",
    },
  });
}

const STYLE: Html = {
  html: `
:root { color-scheme: light dark; --line: #8884; --soft: #8882; --accent: #0b6bcb; }
@media (prefers-color-scheme: dark) { :root { --accent: #6db3ff; } }
body { font: 16px/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 62rem; padding: 2rem 1.5rem 6rem; }
h1 { font-size: 1.7rem; } h2 { margin-top: 3rem; border-bottom: 1px solid var(--line); }
h3 { margin: 2.5rem 0 .25rem; font-size: 1.05rem; }
code, pre { font: .86rem/1.45 ui-monospace, monospace; }
pre { background: var(--soft); padding: .8rem 1rem; overflow-x: auto; border-radius: .4rem; }
a { color: var(--accent); text-decoration: none; } a:hover { text-decoration: underline; }
table { border-collapse: collapse; width: 100%; }
td, th { text-align: left; vertical-align: top; padding: .25rem .8rem .25rem 0; border-bottom: 1px solid var(--soft); }
.method { display: inline-block; min-width: 3.2rem; color: var(--accent); font-weight: 600; }
.quiet { opacity: .7; } summary { cursor: pointer; }
:target { background: var(--soft); }`,
};
