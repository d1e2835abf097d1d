// Common functions of the page's dialogs, and the dialog that asks for the token.
import { byId, setText } from './dom.js';

/**
 * Lets the buttons marked with data-close, and a click outside the dialog, close it.
 * @param {HTMLDialogElement} dialog
 */
export function closable(dialog) {
  for (const button of dialog.querySelectorAll('[data-close]')) button.addEventListener('click', () => dialog.close());
  dialog.addEventListener('click', ({ target }) => target === dialog && dialog.close());
}

/**
 * Shows the result of an action in `node`; `undefined` hides it.
 * @param {HTMLElement} node
 * @param {{ readonly level: 'ok' | 'bad' | 'off', readonly lines: readonly string[] } | undefined} result
 */
export function showResult(node, result) {
  node.hidden = result === undefined;
  node.dataset.level = result?.level ?? 'off';
  setText(node, result?.lines.join('\n') ?? '');
}

/**
 * Runs `work` with the button disabled, and shows its result or why it failed.
 * @param {HTMLButtonElement} button
 * @param {HTMLElement} resultNode
 * @param {() => Promise<string>} work
 */
export async function withResult(button, resultNode, work) {
  button.disabled = true;
  try {
    showResult(resultNode, { level: 'ok', lines: [await work()] });
  } catch (cause) {
    showResult(resultNode, { level: 'bad', lines: [/** @type {Error} */ (cause).message] });
  } finally {
    button.disabled = false;
  }
}

/**
 * The dialog that asks for the bearer token: one at a time, however many requests wait for it.
 * @returns {(why: string) => Promise<string | undefined>}
 */
export function tokenDialog() {
  const dialog = /** @type {HTMLDialogElement} */ (byId('token'));
  const field = /** @type {HTMLInputElement} */ (byId('token-value'));
  /** @type {Promise<string | undefined> | undefined} */
  let asking;
  closable(dialog);
  /** @type {string | undefined} */
  let given;
  byId('token-form').addEventListener('submit', (event) => {
    event.preventDefault();
    given = field.value.trim();
    dialog.close();
  });
  return (why) => {
    asking ??= new Promise((resolve) => {
      given = undefined;
      field.value = '';
      setText(byId('token-why'), why);
      dialog.addEventListener(
        'close',
        () => {
          asking = undefined;
          field.value = '';
          resolve(given);
        },
        { once: true },
      );
      dialog.showModal();
    });
    return asking;
  };
}
