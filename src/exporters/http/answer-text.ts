/** What a receiver said, for the table of answers and for people. */
export interface Words {
  /** On one line, at most {@link SHOWN} characters; without what it repeats of the request. */
  readonly text: string;
  /** Whether it is a web page: no receiver of metrics answers with one, so it comes from something in between. */
  readonly isPage: boolean;
}

/** Characters of an answer that are shown; more of it than that is never needed to see what is wrong. */
const SHOWN = 300;

/** Characters of it that are looked at: a long one must not hold the event loop. */
const READ = 16 * 1024;

/**
 * The words of an answer. VictoriaMetrics puts address and URL of the request before what it has to say, and proxies
 * repeat the URL in the text: a query may hold secrets, and a label may hold any word that the table looks for.
 */
export function wordsOf(answer: string, contentType = ''): Words {
  const body = answer.slice(0, READ);
  const isPage = /^text\/html\b/i.test(contentType) || /^\s*(?:<!doctype html|<html)\b/i.test(body);
  const text = (isPage ? pageText(body) : body)
    .replace(/^remoteAddr: "[^"]*"; requestURI: \S*?;\s/, '')
    .replaceAll(/\s+/g, ' ');
  return { text: withoutQueries(text).trim().slice(0, SHOWN), isPage };
}

/** `text` without the queries, fragments and credentials of the URLs and paths in it. */
export const withoutQueries = (text: string): string =>
  text
    .replaceAll(/(https?:\/\/)[^\s"'`<>/?#]*@/gi, '$1')
    .replaceAll(/((?:https?:\/\/|\/)[^\s"'`<>?#]*)[?#][^\s"'`<>]*/g, '$1');

/** What a page shows: its title, and the text in it. */
function pageText(html: string): string {
  const title = /<title[^>]*>([^<]*)/i.exec(html)?.[1]?.trim() ?? '';
  const shown = html
    .replaceAll(/<(script|style|head)\b[\s\S]*?<\/\1>/gi, ' ')
    .replaceAll(/<[^>]*>/g, ' ')
    .trim();
  return `a web page${title === '' ? '' : ` "${title}"`}: ${shown}`;
}
