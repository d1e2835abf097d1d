// Puts text on the clipboard.
import { el, setText } from './dom.js';

/**
 * Copies, and shows a confirmation in `output`. Over plain HTTP, except for localhost, browsers only support the old
 * method.
 * @param {string} text
 * @param {HTMLElement} output
 */
export async function copyText(text, output) {
  const copied = await writeClipboard(text).catch(() => false);
  setText(output, copied ? `Copied ${text}` : `Not copied: the browser does not allow it. ${text}`);
}

/** @param {string} text @returns {Promise<boolean>} */
async function writeClipboard(text) {
  if (navigator.clipboard) {
    await navigator.clipboard.writeText(text);
    return true;
  }
  const field = el('textarea', { readonly: '', class: 'hidden', 'aria-hidden': 'true' });
  field.value = text;
  const focused = document.activeElement;
  document.body.append(field);
  field.select();
  const copied = document.execCommand('copy');
  field.remove();
  if (focused instanceof HTMLElement) focused.focus();
  return copied;
}
