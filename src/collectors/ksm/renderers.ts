import type { PushedLabelOptions } from '../../metrics/pushed-labels.ts';
import type { Relabeling } from '../../metrics/relabel/relabeling.ts';
import { type Allowlist, allowedOf } from './allowlist.ts';
import { type FamilyPatterns, familyFilter } from './family-filter.ts';
import { type Renderer, rendererOf } from './render.ts';
import type { Resource } from './resource.ts';

/** The options that select what is rendered of an object, equivalent to kube-state-metrics' flags of the same names. */
interface ExportOptions extends FamilyPatterns {
  readonly labelsAllowlist: Allowlist;
  readonly annotationsAllowlist: Allowlist;
}

/** A renderer for each of `resources`, in their order. Throws an Error for an invalid regular expression. */
export function renderersOf(
  resources: readonly Resource[],
  options: ExportOptions,
  pushed?: PushedLabelOptions,
  relabel?: Relabeling,
): Renderer[] {
  const includes = familyFilter(options);
  return resources.map((resource) =>
    rendererOf(resource, {
      includes,
      labels: allowedOf(options.labelsAllowlist, resource.name),
      annotations: allowedOf(options.annotationsAllowlist, resource.name),
      pushed,
      relabel,
    }),
  );
}
