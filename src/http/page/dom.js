// The DOM functions shared by all parts of the page. Texts come from hosts and pods and may be hostile: they become
// text nodes and attributes, never markup.

/**
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Readonly<Record<string, string>>} [attributes]
 * @param {...(Node | string)} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

/**
 * A required element of the page.
 * @template {HTMLElement} [Kind=HTMLElement]
 * @param {string} id
 * @returns {Kind}
 */
export function byId(id) {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`BUG: the page has no #${id}`);
  return /** @type {Kind} */ (found);
}

/**
 * Sets a text if it differs: an untouched node keeps the user's selection and causes no layout.
 * @param {Element} node
 * @param {string} text
 */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/**
 * Sets an attribute if it differs; undefined removes it.
 * @param {Element} node
 * @param {string} name
 * @param {string | undefined} value
 */
export function setAttribute(node, name, value) {
  if (value === undefined) node.removeAttribute(name);
  else if (node.getAttribute(name) !== value) node.setAttribute(name, value);
}

/**
 * The view of one item of a list.
 * @template Item
 * @typedef {{ readonly node: Element, update(item: Item): void }} View
 */

/**
 * Synchronizes the children of `parent` with a list, after the existing ones: one view per item, identified by its key,
 * so that an update only touches what changed.
 * @template Item
 * @param {Element} parent
 * @param {(item: Item) => string} keyOf
 * @param {(item: Item) => View<Item>} create
 * @returns {(items: readonly Item[]) => void}
 */
export function keyedList(parent, keyOf, create) {
  /** @type {Map<string, View<Item>>} */
  const views = new Map();
  const fixed = parent.childElementCount;
  return (items) => {
    const keys = new Set(items.map(keyOf));
    for (const [key, view] of views) {
      if (keys.has(key)) continue;
      view.node.remove();
      views.delete(key);
    }
    let next = parent.children[fixed] ?? null;
    for (const item of items) {
      const key = keyOf(item);
      const view = views.get(key) ?? create(item);
      views.set(key, view);
      view.update(item);
      if (view.node === next) next = next.nextElementSibling;
      else parent.insertBefore(view.node, next);
    }
  };
}
