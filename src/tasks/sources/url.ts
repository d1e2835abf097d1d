import { createHash } from 'node:crypto';
import { doubledMs } from '../../base/backoff.ts';
import { errorCode } from '../../base/error-text.ts';
import { readText } from '../../base/files.ts';
import { phaseOf } from '../../base/fnv.ts';
import { writeWhole } from '../../base/write-whole.ts';
import { shownUrl } from '../../config/http-url.ts';
import { SecretFile } from '../../config/secret-file.ts';
import type { SourceSettings } from '../../config/sources-section.ts';
import { Names } from '../../net/names.ts';
import { hashOf, readDocument } from './document.ts';
import { getText } from './get-text.ts';
import type { Content, TaskListSource } from './source.ts';

const MAX_BYTES = 1024 * 1024;
const RESPONSE_MS = 10_000;
const LONGEST_BACKOFF_MS = 600_000;

/** Where tasks are fetched from. */
interface UrlSettings {
  readonly url: string;
  /** Milliseconds. */
  readonly every: number;
  /** Maximum age of the stored copy, milliseconds. */
  readonly keep: number;
  readonly tokenFile: string | undefined;
  /** Of the text, in hexadecimal; another text is refused. */
  readonly sha256: string | undefined;
  readonly allow: SourceSettings['allow'];
}

/** The environment of a URL source. */
interface UrlWorld {
  /** Where the last valid copy is stored; undefined if nowhere. */
  readonly file: string | undefined;
  readonly node: string;
  readonly now: () => number;
}

interface Copy {
  readonly url: string;
  readonly fetchedMs: number;
  readonly etag?: string | undefined;
  readonly lastModified?: string | undefined;
  readonly sha256: string;
  readonly text: string;
}

/** A registry: tasks for this node, requested periodically. */
export class UrlSource implements TaskListSource {
  readonly name: string;
  readonly #settings: UrlSettings;
  readonly #world: UrlWorld;
  readonly #names = new Names();
  readonly #token: SecretFile | undefined;
  readonly #stop = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  #copy: Copy | undefined;
  #failures = 0;

  constructor(settings: UrlSettings, world: UrlWorld) {
    this.name = shownUrl(settings.url);
    this.#settings = settings;
    this.#world = world;
    this.#token = settings.tokenFile === undefined ? undefined : new SecretFile(settings.tokenFile);
  }

  /** The stored copy: no saved state (base/saved-file.ts), as it is requested again and then replaced, damaged or not. */
  first(): Content | undefined {
    const { file, now } = this.#world;
    if (file === undefined) return undefined;
    let text: string;
    try {
      text = readText(file, 2 * MAX_BYTES + 4096);
    } catch (cause) {
      if (errorCode(cause) === 'ENOENT') return undefined;
      throw cause;
    }
    const copy = copyOf(text);
    if (copy === undefined) throw new Error(`${file} is damaged: starting without the tasks of ${this.name}`);
    if (copy.url !== this.#settings.url || now() - copy.fetchedMs > this.#settings.keep) return undefined;
    this.#copy = copy;
    return { ...this.#content(copy.text), readMs: copy.fetchedMs };
  }

  start(offer: (content: Content) => Promise<void>, failed: (cause: unknown) => void): void {
    const { every, url } = this.#settings;
    // Nodes that start together must not send their requests together.
    const phaseMs = phaseOf(`${this.#world.node}/${url}`, every);
    const next = () => {
      const backoffMs = Math.max(every, doubledMs(this.#failures, { firstMs: every, longestMs: LONGEST_BACKOFF_MS }));
      const wait = this.#failures > 0 ? backoffMs : every - ((this.#world.now() - phaseMs) % every);
      this.#wait(Math.max(1, wait), ask);
    };
    const ask = () => {
      void this.#fetch(offer)
        .then(
          () => {
            this.#failures = 0;
          },
          (cause: unknown) => {
            this.#failures++;
            failed(cause);
          },
        )
        .finally(next);
    };
    // Without a copy there is nothing to run: retry soon.
    this.#wait(this.#copy === undefined ? phaseMs % Math.min(every, SOON_MS) : Math.min(phaseMs, every), ask);
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#stop.abort();
    this.#names.close();
  }

  #wait(milliseconds: number, then: () => void): void {
    if (this.#stop.signal.aborted) return;
    this.#timer = setTimeout(then, milliseconds);
    this.#timer.unref();
  }

  async #fetch(offer: (content: Content) => Promise<void>): Promise<void> {
    const { url } = this.#settings;
    const { now, file } = this.#world;
    const copy = this.#copy;
    const response = await getText(url, {
      names: this.#names,
      headers: {
        'user-agent': 'firesteel',
        accept: 'application/yaml, application/json;q=0.9, text/plain;q=0.8',
        ...(copy?.etag !== undefined && { 'if-none-match': copy.etag }),
        ...(copy?.lastModified !== undefined && { 'if-modified-since': copy.lastModified }),
        ...(this.#token && { authorization: `Bearer ${this.#token.read()}` }),
      },
      maxBytes: MAX_BYTES,
      timeoutMs: RESPONSE_MS,
      signal: this.#stop.signal,
    });
    const text = response.text ?? copy?.text;
    if (text === undefined) throw new Error(`${this.name}: responded with 304 although there is no copy`);
    await offer(this.#content(text));
    const { etag = copy?.etag, lastModified = copy?.lastModified } = response;
    this.#copy = { url, fetchedMs: now(), etag, lastModified, sha256: sha256(text), text };
    if (file !== undefined) await writeWhole(file, JSON.stringify(this.#copy));
  }

  #content(text: string): Content {
    const { sha256: pinned } = this.#settings;
    if (pinned !== undefined && sha256(text) !== pinned.toLowerCase()) {
      throw new Error(`${this.name}: the response has the SHA-256 ${sha256(text)}, not the pinned one`);
    }
    return {
      hash: hashOf([text]),
      inputs: [{ ...readDocument(this.name, text, 'url', this.#settings.allow), isPinned: pinned !== undefined }],
    };
  }
}

/** Maximum delay of the first request without a copy. */
const SOON_MS = 5000;

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

function copyOf(text: string): Copy | undefined {
  try {
    const copy: Copy = JSON.parse(text);
    return sha256(copy.text) === copy.sha256 ? copy : undefined;
  } catch {
    return undefined;
  }
}
