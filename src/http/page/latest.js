// Only the newest request counts.

/**
 * Runs `ask` for each call; a response that arrives after a newer request was started is not shown.
 * @template Question, Answer
 * @param {(question: Question, signal: AbortSignal) => Promise<Answer>} ask
 * @param {(answer: Answer, question: Question) => void} show
 * @param {(cause: Error) => void} fail
 */
export function latest(ask, show, fail) {
  let current = new AbortController();
  return async (/** @type {Question} */ question) => {
    current.abort();
    current = new AbortController();
    const { signal } = current;
    try {
      const answer = await ask(question, signal);
      if (!signal.aborted) show(answer, question);
    } catch (cause) {
      if (!signal.aborted) fail(/** @type {Error} */ (cause));
    }
  };
}

/**
 * Debounces `act`: it runs once calls have paused, so that typing sends one request, not one per letter.
 * @param {() => void} act
 * @param {number} milliseconds
 */
export function debounced(act, milliseconds = 200) {
  let timer = 0;
  return () => {
    clearTimeout(timer);
    timer = setTimeout(act, milliseconds);
  };
}
