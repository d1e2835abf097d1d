import * as z from 'zod';

const CLOSING = new Map([
  ['(', ')'],
  ['[', ']'],
  ['{', '}'],
]);

/** The positions of commas at which an item is split: one inside brackets is part of a pattern. */
function commasOf(item: string): number[] {
  const commas: number[] = [];
  const open: { readonly closing: string; readonly before: number }[] = [];
  // An escaped bracket is a character; so is any other bracket in a class, such as [(,].
  for (const { 0: token, index } of item.matchAll(/\\[^,]|[,()[\]{}]/g)) {
    const innermost = open.at(-1);
    const closing = innermost?.closing === ']' ? undefined : CLOSING.get(token);
    if (token === ',') commas.push(index);
    else if (closing !== undefined) open.push({ closing, before: commas.length });
    else if (innermost?.closing === token) {
      commas.length = innermost.before;
      open.pop();
    }
  }
  return commas;
}

const splitItem = (item: string): string[] => {
  const commas = commasOf(item);
  return [...commas, item.length].map((end, index) => item.slice((commas[index - 1] ?? -1) + 1, end));
};

const splitItems = (items: readonly string[]): string[] => {
  const parts = items.flatMap(splitItem).map((part) => part.trim());
  return [...new Set(parts)].filter((part) => part !== '');
};
/**
 * A list of names or patterns, each of which `item` accepts. Items with commas are themselves lists, as in
 * kube-state-metrics' flags: taken as one name, they would match nothing, without a message. A repeated item counts
 * once.
 */
export const listOf = (item: z.ZodType<string, string> = z.string()) =>
  z
    .array(
      z
        .string()
        .min(1)
        .refine((text) => splitItems([text]).length > 0, 'has nothing between its commas'),
    )
    .overwrite(splitItems)
    .superRefine((parts, context) => {
      for (const [index, part] of parts.entries()) {
        for (const { message } of item.safeParse(part).error?.issues ?? []) {
          context.addIssue({ code: 'custom', message, path: [index] });
        }
      }
    });
