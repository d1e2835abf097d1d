import { mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import type { TestContext } from 'node:test';
import { freePort } from './free-port.ts';
import { fixture } from './host-tree.ts';
import { startServer } from './servers.ts';

/** Ports of a real nginx as the target of probes. */
export interface ProbedNginx {
  readonly plain: number;
  readonly tls12: number;
  readonly tls13: number;
  readonly http2: number;
  readonly mutual: number;
  readonly expired: number;
  readonly wrongName: number;
  readonly noNames: number;
  readonly oddNames: number;
}

const TEMPORARY = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];

/** Starts it; it ends with the test. Its files are below `folder`. */
export async function startProbedNginx(context: TestContext, folder: string): Promise<ProbedNginx> {
  const prefix = `${folder}/probed`;
  mkdirSync(`${prefix}/html`, { recursive: true });
  const page = `${prefix}/html/page.txt`;
  writeFileSync(page, 'Hello, this is the page of version 1.2.3\n');
  utimesSync(page, 1_782_864_000, 1_782_864_000);
  const names = ['tls12', 'tls13', 'http2', 'mutual', 'expired', 'wrongName', 'noNames', 'oddNames'] as const;
  const ports = Object.fromEntries(
    await Promise.all(names.map(async (name) => [name, await freePort()])),
  ) as unknown as Record<(typeof names)[number], number>;
  const certificate = (name: string) =>
    `ssl_certificate ${fixture(`probe-tls/${name}.crt`)}; ssl_certificate_key ${fixture(`probe-tls/${name}.key`)};`;
  const locations = (plain: number) => `
    root ${prefix}/html;
    location /page.txt { default_type text/plain; }
    location = /missing { return 404; }
    location = /empty { return 204; }
    location = /broken { return 500 'broken'; }
    location = /moved { return 302 /page.txt; }
    location = /moved-for-good { return 301 /moved; }
    location = /to-tls { return 302 https://127.0.0.1:${ports.tls13}/page.txt; }
    location = /to-plain { return 302 http://127.0.0.1:${plain}/page.txt; }
    location = /circle { return 302 /circle; }
    location = /to-nowhere { return 302 http://does-not-exist.invalid/; }
    location = /json { default_type application/json; return 200 '{"status":"up","checks":[{"name":"db","ok":true}]}'; }
    location = /private { auth_basic secret; auth_basic_user_file ${prefix}/users; try_files /page.txt =404; }
    location = /header { add_header X-Version 12; return 200 'ok'; }
    location = /cookie { add_header Set-Cookie seen=1; return 302 /needs-cookie; }
    location = /needs-cookie { if ($cookie_seen != 1) { return 403; } return 200 'ok'; }
    location = /method { if ($request_method = POST) { return 201 'made'; } return 405; }
    location = /slow { limit_rate 64k; alias ${prefix}/html/page.txt; }
    location = /packed { gzip on; gzip_min_length 1; gzip_types text/plain; default_type text/plain; alias ${prefix}/html/large.txt; }
`;
  writeFileSync(`${prefix}/html/large.txt`, 'line of text\n'.repeat(1000));
  writeFileSync(`${prefix}/users`, 'user:{PLAIN}secret word\n');
  let plain = 0;
  const args = (port: number) => {
    plain = port;
    const server = (of: number, words: string) => `server { listen 127.0.0.1:${of} ssl${words} ${locations(port)} }`;
    writeFileSync(
      `${prefix}/nginx.conf`,
      `daemon off; master_process off; pid ${prefix}/pid; error_log ${prefix}/error.log;
events {}
http {
  access_log off;
  ${TEMPORARY.map((name) => `${name}_temp_path ${prefix}/${name};`).join(' ')}
  server { listen 127.0.0.1:${port}; ${locations(port)} }
  ${server(ports.tls12, `; ssl_protocols TLSv1.2; ${certificate('server')}`)}
  ${server(ports.tls13, `; ssl_protocols TLSv1.3; ${certificate('server')}`)}
  ${server(ports.http2, ` http2; ${certificate('server')}`)}
  ${server(ports.mutual, `; ${certificate('server')} ssl_client_certificate ${fixture('probe-tls/ca.crt')}; ssl_verify_client on;`)}
  ${server(ports.expired, `; ${certificate('expired')}`)}
  ${server(ports.wrongName, `; ${certificate('wrong-name')}`)}
  ${server(ports.noNames, `; ${certificate('no-names')}`)}
  ${server(ports.oddNames, `; ${certificate('odd-names')}`)}
}
`,
    );
    return ['-p', prefix, '-c', `${prefix}/nginx.conf`, '-e', `${prefix}/error.log`];
  };
  await startServer(context, 'nginx', args, '/page.txt');
  return { plain, ...ports };
}
