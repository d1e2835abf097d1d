import { once } from 'node:events';
import { request as ask, createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import type { TestContext } from 'node:test';

/** A forward proxy that resolves every name to this host. */
export interface ForwardProxy {
  readonly port: number;
  /** Its requests: `CONNECT host:port`, `POST http://host/path`. */
  readonly asked: readonly string[];
  /** The credentials of each request, for the proxy and for the receiver. */
  readonly credentials: readonly { readonly own: string | undefined; readonly other: string | undefined }[];
  /** With another status than 200 it refuses everything. */
  status: number;
}

/** Starts one, which ends with the test. */
export async function startForwardProxy(context: TestContext): Promise<ForwardProxy> {
  const asked: string[] = [];
  const credentials: { own: string | undefined; other: string | undefined }[] = [];
  const proxy = { port: 0, asked, credentials, status: 200 };
  const server = createServer((request, response) => {
    const { method = '', url = '', headers } = request;
    asked.push(`${method} ${url.replace(/\?.*/, '')}`);
    credentials.push({ own: headers['proxy-authorization'], other: headers.authorization });
    if (proxy.status !== 200) {
      request.resume().on('end', () => response.writeHead(proxy.status).end('denied by policy'));
      return;
    }
    const { port, pathname, search } = new URL(url);
    const onward = ask({ host: '127.0.0.1', port, method, path: pathname + search, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 0, answer.headers);
      answer.pipe(response);
    });
    onward.on('error', () => response.destroy());
    request.pipe(onward);
  });
  server.on('connect', (request, client, head) => {
    asked.push(`CONNECT ${request.url}`);
    credentials.push({ own: request.headers['proxy-authorization'], other: request.headers.authorization });
    if (proxy.status !== 200) {
      client.end(`HTTP/1.1 ${proxy.status} Denied\r\n\r\n`);
      return;
    }
    const upstream = connect(Number(new URL(`http://${request.url}`).port), '127.0.0.1', () => {
      client.write('HTTP/1.1 200 Connection Established\r\n\r\n');
      upstream.write(head);
      upstream.pipe(client).pipe(upstream);
    });
    upstream.on('error', () => client.destroy());
    client.on('error', () => upstream.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  context.after(() => {
    server.close();
    server.closeAllConnections();
  });
  proxy.port = (server.address() as AddressInfo).port;
  return proxy;
}
