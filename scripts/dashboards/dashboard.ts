/** Units by Grafana's names. */
export type Unit = 'short' | 'percentunit' | 'bytes' | 'Bps' | 's' | 'ops' | 'bool' | 'dtdurations';

/** One panel: a query and how it is shown. `$s` in a query stands for the selector of the dashboard's variables. */
export interface Panel {
  readonly title: string;
  /** How it is drawn; `timeseries` if not given. */
  readonly as?: 'stat' | 'timeseries' | 'table';
  readonly unit?: Unit;
  readonly query: string;
  /** Grafana's format of the legend, such as `{{instance}}`. */
  readonly legend?: string;
  /** Red from this value on. */
  readonly alarm?: number;
  /** Further explanation, shown with the title. */
  readonly why?: string;
}

/** A choice at the top of a dashboard: its name, the label it selects by, and a selector of the series that have it. */
export interface Variable {
  readonly name: string;
  readonly title: string;
  readonly from: string;
}

/** A dashboard as this project writes it; `grafana.ts` makes Grafana's JSON of it. */
export interface Dashboard {
  /** Also the name of its file, after `firesteel-`. */
  readonly name: string;
  readonly title: string;
  readonly variables: readonly Variable[];
  readonly rows: readonly { readonly title: string; readonly panels: readonly Panel[] }[];
}

/** The selector that `$s` stands for: each variable as a matcher. */
export const selectorOf = ({ variables }: Dashboard): string =>
  variables.map(({ name }) => `${name}=~"$${name}"`).join(',');

/** A panel's query with its selector. */
export const queryOf = (dashboard: Dashboard, { query }: Panel): string =>
  query.replaceAll('$s', selectorOf(dashboard));
