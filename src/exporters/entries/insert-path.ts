/**
 * Warnings of addresses with a path of VictoriaLogs that does not belong to the protocol, whose documented path is
 * `documented`. At `/insert/elasticsearch` VictoriaLogs responds to every upload with 200 and stores nothing, and at
 * `/insert/jsonline` it accepts the empty upload of `check-config --connect`, whatever the type (app/vlinsert, 2026;
 * https://docs.victoriametrics.com/victorialogs/data-ingestion/).
 */
export function insertPathWarnings(name: string, documented: string, urls: readonly string[]): readonly string[] {
  return urls.flatMap((url) => {
    const path = new URL(url).pathname.replaceAll(/\/{2,}/g, '/').replace(/\/$/, '');
    // Something may precede it, as with -http.pathPrefix.
    if (!/\/insert(?:\/|$)/.test(path) || path.endsWith(documented)) return [];
    return [
      `exporters.${name}: ${path} is not where VictoriaLogs takes uploads of this type, and it may lose them with status 200; use ${documented}`,
    ];
  });
}
