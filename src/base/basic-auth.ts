/** The value of an `Authorization` or `Proxy-Authorization` header for `username:password`. */
export const basicAuth = (credentials: string): string => `Basic ${Buffer.from(credentials).toString('base64')}`;
