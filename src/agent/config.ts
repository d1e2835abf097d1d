import type { CollectorsConfig } from '../collectors/catalogue.ts';
import type { CoreConfig } from '../config/schema.ts';

/** The whole configuration. */
export type Config = CoreConfig & { readonly collectors: CollectorsConfig };
