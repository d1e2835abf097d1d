// Server-sent events over fetch: unlike EventSource it can send a bearer token, and reports why it failed.

/** A client that never sees the end of an event must not collect without bound. */
const LONGEST_EVENT = 16 * 1024 * 1024;

/**
 * The chunks of a stream; not every browser lets a stream be iterated.
 * @param {ReadableStream<Uint8Array>} body
 * @returns {AsyncGenerator<Uint8Array>}
 */
export async function* chunksOf(body) {
  const reader = body.getReader();
  for (let read = await reader.read(); !read.done; read = await reader.read()) yield read.value;
}

/**
 * Splits a text stream, with LF as our server writes it, into events. Yields an empty one for a comment, which the
 * server sends as a heartbeat.
 * @param {AsyncIterable<Uint8Array>} chunks
 * @returns {AsyncGenerator<{ readonly event: string, readonly data: string }>}
 */
export async function* readEvents(chunks) {
  const decoder = new TextDecoder();
  let text = '';
  for await (const chunk of chunks) {
    text += decoder.decode(chunk, { stream: true });
    for (let end = text.indexOf('\n\n'); end !== -1; end = text.indexOf('\n\n')) {
      yield parseEvent(text.slice(0, end));
      text = text.slice(end + 2);
    }
    if (text.length > LONGEST_EVENT) throw new Error('an event without an end');
  }
}

/** @param {string} block */
function parseEvent(block) {
  let event = 'message';
  const data = [];
  for (const line of block.split('\n')) {
    const colon = line.indexOf(':');
    const field = colon === -1 ? line : line.slice(0, colon);
    const value = colon === -1 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (field === 'event') event = value;
    else if (field === 'data') data.push(value);
  }
  return data.length === 0 ? { event: '', data: '' } : { event, data: data.join('\n') };
}
