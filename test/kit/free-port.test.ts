import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { test } from 'node:test';
import { freePort, portsOutside } from './free-port.ts';

test('ports stay reserved: each is unique, closed, and available to a server that requests it', async () => {
  const ports = await Promise.all(Array.from({ length: 20 }, freePort));
  assert.equal(new Set(ports).size, ports.length);
  for (const port of ports) {
    const [refused] = await once(connect(port, '127.0.0.1'), 'error');
    assert.equal(refused.code, 'ECONNREFUSED');
    const server = createServer().listen(port, '127.0.0.1');
    await once(server, 'listening');
    assert.equal((server.address() as AddressInfo).port, port);
    server.close();
    await once(server, 'close');
  }
});

test('ports are outside of the range of the kernel, unless that has nearly all', () => {
  assert.ok(portsOutside([32_768, 60_999]).every((port) => port < 32_768 || port > 60_999));
  assert.ok(portsOutside([16_000, 65_535]).every((port) => port < 16_000));
  assert.ok(portsOutside([1024, 65_535]).length > 50_000);
});
