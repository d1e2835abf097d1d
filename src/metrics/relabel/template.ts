const BARE = /\w+/y;
const BRACED = /\{(\w+)\}/y;

/**
 * Replaces `$1`, `${1}`, `$name` and `${name}` in a template with groups of a match, like Go's regexp.Expand: a bare
 * name is as long as possible (`$1x` is the group `1x`), unknown groups are empty, `$$` is a dollar sign.
 */
export function expand(template: string, groups: ReadonlyMap<string, string>): string {
  let at = template.indexOf('$');
  if (at === -1) return template;
  let text = '';
  let from = 0;
  while (at !== -1) {
    text += template.slice(from, at);
    from = at + 1;
    if (template[from] === '$') {
      text += '$';
      from++;
    } else {
      BRACED.lastIndex = from;
      BARE.lastIndex = from;
      const braced = BRACED.exec(template);
      const name = braced?.[1] ?? BARE.exec(template)?.[0];
      if (name === undefined) text += '$';
      else {
        text += groups.get(name) ?? '';
        from += braced ? braced[0].length : name.length;
      }
    }
    at = template.indexOf('$', from);
  }
  return text + template.slice(from);
}
