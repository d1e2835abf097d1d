import type { CollectorsConfig } from '../collectors/sections.ts';
import type { CoreConfig } from '../config/schema.ts';

/** The whole configuration. */
export type Config = CoreConfig & { readonly collectors: CollectorsConfig };
