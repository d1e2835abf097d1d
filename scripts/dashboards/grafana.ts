import { type Dashboard, type Panel, queryOf, selectorOf } from './dashboard.ts';

// biome-ignore lint/suspicious/noTemplateCurlyInString: a variable of Grafana
const SOURCE = { type: 'prometheus', uid: '${datasource}' };
const COLUMNS = 24;

/** Width and height in Grafana's grid. */
const SIZES = { stat: { w: 4, h: 4 }, timeseries: { w: 8, h: 8 }, table: { w: 24, h: 8 } } as const;

/** A dashboard as JSON that Grafana 10 and later import, with a newline at the end. */
export function grafanaJson(dashboard: Dashboard): string {
  const uid = `firesteel-${dashboard.name}`;
  return `${JSON.stringify(
    {
      uid,
      title: dashboard.title,
      tags: ['firesteel'],
      schemaVersion: 39,
      editable: true,
      graphTooltip: 1,
      refresh: '30s',
      time: { from: 'now-3h', to: 'now' },
      templating: { list: [datasource, ...dashboard.variables.map((_, index) => variable(dashboard, index))] },
      panels: panelsOf(dashboard),
    },
    null,
    1,
  )}\n`;
}

const datasource = {
  name: 'datasource',
  label: 'Data source',
  type: 'datasource',
  query: 'prometheus',
  current: {},
};

/** A variable whose values depend on the variables before it. */
function variable(dashboard: Dashboard, index: number) {
  const { name, title, from } = dashboard.variables[index] as Dashboard['variables'][number];
  const before = selectorOf({ ...dashboard, variables: dashboard.variables.slice(0, index) });
  const selected =
    before === '' ? from : from.endsWith('}') ? from.replace(/\}$/, `,${before}}`) : `${from}{${before}}`;
  const query = `label_values(${selected}, ${name})`;
  return {
    name,
    label: title,
    type: 'query',
    datasource: SOURCE,
    query: { query, refId: name },
    definition: query,
    includeAll: true,
    multi: true,
    allValue: '.*',
    refresh: 2,
    sort: 1,
    current: { text: 'All', value: '$__all' },
  };
}

/** Rows from top to bottom, panels from left to right. */
function panelsOf(dashboard: Dashboard): object[] {
  const placed: object[] = [];
  let y = 0;
  for (const row of dashboard.rows) {
    placed.push({ id: placed.length + 1, type: 'row', title: row.title, gridPos: { x: 0, y, w: COLUMNS, h: 1 } });
    y += 1;
    let x = 0;
    let height = 0;
    for (const panel of row.panels) {
      const { w, h } = SIZES[panel.as ?? 'timeseries'];
      if (x + w > COLUMNS) [x, y, height] = [0, y + height, 0];
      placed.push(panelJson(dashboard, panel, placed.length + 1, { x, y, w, h }));
      [x, height] = [x + w, Math.max(height, h)];
    }
    y += height;
  }
  return placed;
}

function panelJson(dashboard: Dashboard, panel: Panel, id: number, gridPos: object): object {
  const type = panel.as ?? 'timeseries';
  const steps = [{ color: 'green', value: null }, ...(panel.alarm === undefined ? [] : [red(panel.alarm)])];
  return {
    id,
    type,
    title: panel.title,
    ...(panel.why === undefined ? {} : { description: panel.why }),
    datasource: SOURCE,
    gridPos,
    targets: [
      {
        refId: 'A',
        datasource: SOURCE,
        expr: queryOf(dashboard, panel),
        ...(panel.legend === undefined ? {} : { legendFormat: panel.legend }),
        ...(type === 'timeseries' ? {} : { instant: true }),
        ...(type === 'table' ? { format: 'table' } : {}),
      },
    ],
    fieldConfig: { defaults: { unit: panel.unit ?? 'short', thresholds: { mode: 'absolute', steps } }, overrides: [] },
    options: OPTIONS[type],
  };
}

const red = (value: number) => ({ color: 'red', value });

const OPTIONS = {
  stat: { reduceOptions: { calcs: ['lastNotNull'] }, colorMode: 'value', graphMode: 'none' },
  timeseries: { legend: { displayMode: 'list', placement: 'bottom' }, tooltip: { mode: 'multi', sort: 'desc' } },
  table: { showHeader: true },
};
