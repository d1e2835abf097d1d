/** Units by Grafana's names. */
export type Unit = 'short' | 'percentunit' | 'bytes' | 'Bps' | 's' | 'ops' | 'bool' | 'dtdurations';

/** One panel: a query and its visualization. `$s` in a query stands for the selector of the dashboard's variables. */
export interface Panel {
  readonly title: string;
  /** Visualization; `timeseries` if not set. */
  readonly as?: 'stat' | 'timeseries' | 'table';
  readonly unit?: Unit;
  readonly query: string;
  /** Grafana's format of the legend, such as `{{instance}}`. */
  readonly legend?: string;
  /** Red at and above this value. */
  readonly alarm?: number;
  /** Further explanation, shown with the title. */
  readonly why?: string;
}

/** A variable at the top of a dashboard: its name, the label it selects by, and a selector of the series that have it. */
export interface Variable {
  readonly name: string;
  readonly title: string;
  readonly from: string;
}

/** A dashboard in this project's form; `grafana.ts` converts it to Grafana's JSON. */
export interface Dashboard {
  /** Also the name of its file, after `firesteel-`. */
  readonly name: string;
  readonly title: string;
  readonly variables: readonly Variable[];
  readonly rows: readonly { readonly title: string; readonly panels: readonly Panel[] }[];
}

/** The selector that replaces `$s`: each variable as a matcher. */
export const selectorOf = ({ variables }: Dashboard): string =>
  variables.map(({ name }) => `${name}=~"$${name}"`).join(',');

/** A panel's query with its selector. */
export const queryOf = (dashboard: Dashboard, { query }: Panel): string =>
  query.replaceAll('$s', selectorOf(dashboard));
