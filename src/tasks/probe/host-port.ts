import * as z from 'zod';

/** `host:port`, `[::1]:port`; the port may be omitted if there is a default. */
export function hostPort(
  text: string,
  usualPort?: number,
): { readonly host: string; readonly port: number } | undefined {
  const match = /^(\[[^\]]+\]|[^:/\s]+)(?::(\d{1,5}))?$/.exec(text);
  const isBareIp6 = match === null && usualPort !== undefined && /^[0-9a-f:.]+(?:%\w+)?$/i.test(text);
  const host = isBareIp6 ? text : (match?.[1] ?? '').replace(/^\[(.*)\]$/, '$1');
  const port = match?.[2] === undefined ? usualPort : Number(match[2]);
  if (host === '' || port === undefined || port < 1 || port > 65_535) return undefined;
  return { host, port };
}

/** A target `host:port`. */
export const hostPortTarget = (usualPort?: number) =>
  z
    .string()
    .max(300)
    .refine((text) => hostPort(text, usualPort) !== undefined, {
      error:
        usualPort === undefined
          ? 'expected host:port, with brackets around an IPv6 address'
          : `expected host or host:port (${usualPort} when left out), with brackets around an IPv6 address that has a port`,
    });

/** A target that is only a host: a name or an address. */
export const hostTarget = z
  .string()
  .max(300)
  .refine((text) => /^[^\s/@\\[\]]+$/.test(text) && (!text.includes(':') || /^[0-9a-f:.]+(?:%\S+)?$/i.test(text)), {
    error: 'expected a host name or an address without a port',
  });
