import { readFileSync, statSync } from 'node:fs';
import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import type { ExporterSettings } from '../config/exporter-schema.ts';

/**
 * Receivers close idle sockets (VictoriaMetrics at 60.0 s); a request sent at that moment dies. So ours close first.
 */
const IDLE_MS = 30_000;

/** Groups are sent side by side; more sockets per receiver would only make herds. */
const MAX_SOCKETS = 4;

/** The connections to one receiver: kept alive, through the proxy of the environment, with the configured TLS. */
export class Agents {
  readonly #tls: ExporterSettings['tls'];
  readonly #env: NodeJS.ProcessEnv;
  readonly #http: HttpAgent;
  #https: HttpsAgent | undefined;
  #httpsStamp = '';

  constructor(tls: ExporterSettings['tls'], env: NodeJS.ProcessEnv) {
    this.#tls = tls;
    this.#env = env;
    this.#http = new HttpAgent({ ...this.#common(), keepAlive: true });
  }

  /** The agents that got takes. Throws an Error naming the file when certificate or key can't be read. */
  get kept(): { http: HttpAgent; https: HttpsAgent } {
    const stamp = this.#stamp();
    if (this.#https === undefined || stamp !== this.#httpsStamp) {
      this.#https?.destroy();
      this.#https = this.#newHttps(true);
      this.#httpsStamp = stamp;
    }
    return { http: this.#http, https: this.#https };
  }

  /** Agents without kept sockets, for the one try after a kept socket turned out to be dead. */
  fresh(): { http: HttpAgent; https: HttpsAgent } {
    return { http: new HttpAgent({ ...this.#common(), keepAlive: false }), https: this.#newHttps(false) };
  }

  close(): void {
    this.#http.destroy();
    this.#https?.destroy();
  }

  #common() {
    return { timeout: IDLE_MS, maxSockets: MAX_SOCKETS, proxyEnv: this.#env };
  }

  #newHttps(keepAlive: boolean): HttpsAgent {
    const tls = this.#tls;
    return new HttpsAgent({
      ...this.#common(),
      keepAlive,
      ...(tls?.caFile === undefined ? {} : { ca: readTlsFile(tls.caFile) }),
      ...(tls?.certFile === undefined ? {} : { cert: readTlsFile(tls.certFile) }),
      ...(tls?.keyFile === undefined ? {} : { key: readTlsFile(tls.keyFile) }),
      ...(tls?.serverName === undefined ? {} : { servername: tls.serverName }),
      rejectUnauthorized: !(tls?.insecureSkipVerify ?? false),
    });
  }

  /** Changes when one of the files does: mounted secrets are rotated in place. */
  #stamp(): string {
    const files = [this.#tls?.caFile, this.#tls?.certFile, this.#tls?.keyFile];
    return files.map((file) => (file === undefined ? '' : fileStamp(file))).join('|');
  }
}

function fileStamp(path: string): string {
  const { mtimeMs, size, ino } = statTlsFile(path);
  return `${mtimeMs}/${size}/${ino}`;
}

const statTlsFile = (path: string) => named(path, () => statSync(path));
const readTlsFile = (path: string) => named(path, () => readFileSync(path));

function named<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    throw new Error(`cannot read the TLS file ${path}: ${(cause as NodeJS.ErrnoException).code ?? String(cause)}`);
  }
}
