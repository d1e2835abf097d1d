import * as z from 'zod';

/** A comma inside brackets is part of a pattern. */
const COMMA = /,(?![^{}()[\]]*[})\]])/;

const splitItems = (items: readonly string[]): string[] => {
  const parts = items.flatMap((item) => item.split(COMMA)).map((part) => part.trim());
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
