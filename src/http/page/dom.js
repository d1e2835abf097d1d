// The few things that all parts of the page do with the document. Texts come from hosts and pods, and are hostile: they
// become text nodes and attributes, never markup.

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
 * An element of the page that must be there.
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
 * Sets a text when it differs: a node that is left alone keeps the reader's selection and costs no layout.
 * @param {Element} node
 * @param {string} text
 */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/**
 * Sets an attribute when it differs; undefined removes it.
 * @param {Element} node
 * @param {string} name
 * @param {string | undefined} value
 */
export function setAttribute(node, name, value) {
  if (value === undefined) node.removeAttribute(name);
  else if (node.getAttribute(name) !== value) node.setAttribute(name, value);
}

/**
 * What shows one item of a list.
 * @template Item
 * @typedef {{ readonly node: Element, update(item: Item): void }} View
 */

/**
 * Keeps the children of `parent` in step with a list, behind those that are there already: one view an item, found
 * again by its key, so that an update touches what changed and nothing else.
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
