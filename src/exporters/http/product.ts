/** How a server identifies itself. */
export interface Product {
  readonly name: string;
  /** Undefined when the server was built without one. */
  readonly version?: string;
  /** The exporter `type` for it; undefined if it does not accept our pushes. */
  readonly type?: string;
  /** Whether it accepts pushes of all types. */
  readonly acceptsAll?: true;
}

/** Identifies a product by a line of its own metrics. The first row that matches any line applies. */
const MARKS: readonly { readonly line: RegExp; readonly product: Product }[] = [
  { line: /^firesteel_receiver_info\{/, product: { name: 'firesteel receive', acceptsAll: true } },
  { line: /^pushgateway_build_info\{/, product: { name: 'Pushgateway', type: 'pushgateway' } },
  { line: /^prometheus_build_info\{/, product: { name: 'Prometheus' } },
  { line: /^vmagent_|^vm_app_version\{version="vmagent-/, product: { name: 'vmagent', type: 'vmagent' } },
  { line: /^vmauth_|^vm_app_version\{version="vmauth-/, product: { name: 'vmauth', type: 'vmagent' } },
  { line: /^vmalert_|^vm_app_version\{version="vmalert-/, product: { name: 'vmalert' } },
  { line: /^vm_app_version\{version="vmselect-/, product: { name: 'vmselect' } },
  { line: /^vm_app_version\{version="vminsert-/, product: { name: 'vminsert', type: 'vmagent' } },
  { line: /^vm_app_version\{/, product: { name: 'VictoriaMetrics', type: 'vmagent' } },
];

const VERSION = /^(?:vm_app_version|firesteel_receiver_info|pushgateway_build_info|prometheus_build_info)\{/;

/** The product with these lines on its metrics page; undefined if unknown. */
export function productOf(lines: readonly string[]): Product | undefined {
  const product = MARKS.find(({ line }) => lines.some((one) => line.test(one)))?.product;
  if (!product) return undefined;
  const versioned = lines.find((line) => VERSION.test(line)) ?? '';
  const version = /short_version="([^"]+)"/.exec(versioned)?.[1] ?? /[{,]version="([^"]+)"/.exec(versioned)?.[1];
  return version === undefined ? product : { ...product, version };
}

/** Whether {@link productOf} uses this line. */
export const isMark = (line: string): boolean => MARKS.some((mark) => mark.line.test(line));
