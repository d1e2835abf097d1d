import { ApiBodyError, type KubeApi, METADATA_LIST } from './api.ts';

interface NodesPage {
  readonly kind?: string;
  readonly metadata?: { readonly continue?: string };
  readonly items?: readonly { readonly metadata?: { readonly name?: string } }[];
}

const PATH = '/api/v1/nodes';
const PAGE = 500;
const KINDS: ReadonlySet<string | undefined> = new Set(['NodeList', 'PartialObjectMetadataList']);

/** The names of all nodes of the cluster, requested as metadata only. Rejects in the same cases as KubeApi. */
export async function nodeNames(api: KubeApi, signal: AbortSignal): Promise<ReadonlySet<string>> {
  const names = new Set<string>();
  /** Tokens of all pages so far: a server that sends us back would loop forever. */
  const tokens = new Set<string | undefined>();
  let next: string | undefined;
  do {
    if (tokens.has(next)) throw new ApiBodyError(PATH, 'malformed', 'the list never ends: its pages repeat');
    tokens.add(next);
    const page: NodesPage = await api.json<NodesPage>({
      path: PATH,
      query: { limit: PAGE, continue: next },
      accept: METADATA_LIST,
      signal,
    });
    if (!KINDS.has(page.kind)) throw new ApiBodyError(PATH, 'malformed', 'not a list of nodes');
    for (const { metadata } of page.items ?? []) if (metadata?.name !== undefined) names.add(metadata.name);
    next = page.metadata?.continue || undefined;
  } while (next !== undefined);
  return names;
}
