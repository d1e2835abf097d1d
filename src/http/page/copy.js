// Puts text on the clipboard.
import { el, setText } from './dom.js';

/**
 * Copies, and shows a confirmation in `said`. Over plain HTTP, except for localhost, browsers only support the old
 * method.
 * @param {string} text
 * @param {HTMLElement} said
 */
export async function copyText(text, said) {
  const copied = await writeClipboard(text).catch(() => false);
  setText(said, copied ? `Copied ${text}` : `Not copied: the browser does not allow it. ${text}`);
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
