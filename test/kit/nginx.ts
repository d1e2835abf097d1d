import { mkdirSync, writeFileSync } from 'node:fs';
import type { TestContext } from 'node:test';
import { freePort } from './free-port.ts';
import { fixture } from './host-tree.ts';
import { startServer } from './servers.ts';

/** A real nginx with one server for each kind of misconfigured path. */
export interface Nginx {
  /** `http://` of a port with TLS. */
  readonly plainToTls: string;
  /** `https://` of a port that requires a client certificate. */
  readonly wantsCertificate: string;
  /** Responds to everything with 200 and a web page; below `/refused` with 400 and a page, below `/empty` with an empty 400. */
  readonly pages: string;
  /** Forwards everything to `upstream`. */
  readonly proxy: string;
}

/** Starts nginx in front of `upstream`; it ends with the test. Its files are below `folder`. */
export async function startNginx(context: TestContext, folder: string, upstream: string): Promise<Nginx> {
  const [tls, mutual, proxy] = await Promise.all([freePort(), freePort(), freePort()]);
  const certificate = `ssl_certificate ${fixture('tls/first-server.crt')}; ssl_certificate_key ${fixture('tls/first-server.key')};`;
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  const prefix = `${folder}/nginx`;
  mkdirSync(prefix);
  const args = (port: number) => {
    writeFileSync(
      `${prefix}/nginx.conf`,
      `daemon off; master_process off; pid ${prefix}/pid; error_log ${prefix}/error.log;
events {}
http {
  access_log off;
  ${temporary.map((name) => `${name}_temp_path ${prefix}/${name};`).join(' ')}
  server {
    listen 127.0.0.1:${port};
    location / { default_type text/html; return 200 '<!doctype html><html><title>Dashboards</title><body>Hello</body></html>'; }
    location /refused { return 400; }
    location /empty { default_type text/plain; return 400 ''; }
  }
  server { listen 127.0.0.1:${tls} ssl; ${certificate} location / { proxy_pass ${upstream}; } }
  server {
    listen 127.0.0.1:${mutual} ssl; ${certificate}
    ssl_client_certificate ${fixture('tls/second-ca.crt')}; ssl_verify_client on;
    location / { proxy_pass ${upstream}; }
  }
  server { listen 127.0.0.1:${proxy}; location / { proxy_pass ${upstream}; } }
}
`,
    );
    return ['-p', prefix, '-c', `${prefix}/nginx.conf`, '-e', `${prefix}/error.log`];
  };
  const pages = await startServer(context, 'nginx', args, '/');
  const at = (port: number) => `127.0.0.1:${port}`;
  return {
    plainToTls: `http://${at(tls)}`,
    wantsCertificate: `https://${at(mutual)}`,
    pages,
    proxy: `http://${at(proxy)}`,
  };
}
