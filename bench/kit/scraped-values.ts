import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Exported } from '../../test/faults/findings.ts';

const NAME = 'faults_scraped_value';

/** A scrape target. Each scrape gets a unique number in all series, so that lost scrapes can be identified. */
export class ScrapedValues {
  readonly #series: number;
  #scrapes = 0;
  readonly #server = createServer((_, response) => {
    this.#scrapes++;
    let text = `# TYPE ${NAME} counter\n`;
    for (let series = 0; series < this.#series; series++) text += `${NAME}{series="${series}"} ${this.#scrapes}\n`;
    response.writeHead(200, { 'content-type': 'text/plain; version=0.0.4' }).end(text);
  });

  private constructor(series: number) {
    this.#series = series;
  }

  static async start(series: number): Promise<ScrapedValues> {
    const values = new ScrapedValues(series);
    values.#server.listen(0, '127.0.0.1');
    await once(values.#server, 'listening');
    return values;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  /** Scrapes with a response, those with a series missing in `stored`, and samples stored twice. */
  compare(stored: Iterable<Exported>): { collected: number; lost: number; duplicates: number } {
    const seen = new Map<number, number>();
    let duplicates = 0;
    for (const { metric, values } of stored) {
      if (metric.__name__ !== NAME) continue;
      // Staleness markers are exported as null.
      const scrapes = values.filter(Number.isFinite);
      const distinct = new Set(scrapes);
      duplicates += scrapes.length - distinct.size;
      for (const scrape of distinct) seen.set(scrape, (seen.get(scrape) ?? 0) + 1);
    }
    const complete = [...seen.values()].filter((series) => series === this.#series).length;
    return { collected: this.#scrapes, lost: this.#scrapes - complete, duplicates };
  }
}
