import { type KubeApi, METADATA_LIST } from './api.ts';

interface Page {
  readonly metadata?: { readonly continue?: string };
  readonly items?: readonly { readonly metadata?: { readonly name?: string } }[];
}

const PAGE = 500;

/** The names of all nodes of the cluster, asked for as metadata only. Rejects as KubeApi does. */
export async function nodeNames(api: KubeApi, signal: AbortSignal): Promise<ReadonlySet<string>> {
  const names = new Set<string>();
  let next: string | undefined;
  do {
    const page: Page = await api.json<Page>({
      path: '/api/v1/nodes',
      query: { limit: PAGE, continue: next },
      accept: METADATA_LIST,
      signal,
    });
    for (const { metadata } of page.items ?? []) if (metadata?.name !== undefined) names.add(metadata.name);
    next = page.metadata?.continue || undefined;
  } while (next !== undefined);
  return names;
}
