interface Cookie {
  readonly domain: string;
  /** Whether it also applies to subdomains of `domain`. */
  readonly isWide: boolean;
  readonly isSecure: boolean;
  readonly pair: string;
}

/** A run follows ten redirects at most. */
const MAX_COOKIES = 50;

/** Cookies set by responses within one run, for requests after redirects. Paths and dates are ignored. */
export class Cookies {
  readonly #cookies = new Map<string, Cookie>();

  /** Stores the cookies set by a response of `url`. */
  take(url: URL, lines: readonly string[] | undefined): void {
    for (const line of lines ?? []) {
      const [pair = '', ...attributes] = line.split(';').map((part) => part.trim());
      const name = pair.split('=')[0] ?? '';
      if (name === '' || !/^[\x20-\x7e]+$/.test(pair)) continue;
      const wanted =
        attributes
          .find((one) => /^domain=/i.test(one))
          ?.slice(7)
          .replace(/^\./, '')
          .toLowerCase() ?? '';
      const isWide = wanted.includes('.') && (url.hostname === wanted || url.hostname.endsWith(`.${wanted}`));
      const domain = isWide ? wanted : url.hostname;
      if (this.#cookies.size >= MAX_COOKIES) return;
      const isSecure = attributes.some((one) => /^secure$/i.test(one));
      this.#cookies.set(`${domain} ${name}`, { domain, isWide, isSecure, pair });
    }
  }

  /** The header for a request of `url`; undefined when there is nothing to send. */
  for(url: URL): string | undefined {
    const fitting = [...this.#cookies.values()].filter(
      ({ domain, isWide, isSecure }) =>
        (url.hostname === domain || (isWide && url.hostname.endsWith(`.${domain}`))) &&
        (!isSecure || url.protocol === 'https:'),
    );
    return fitting.length === 0 ? undefined : fitting.map(({ pair }) => pair).join('; ');
  }
}
