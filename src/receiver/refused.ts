import type { OutgoingHttpHeaders } from 'node:http';

/** An error response; the message is sent to the client as text and says what to change. */
export class Refused extends Error {
  override readonly name = 'Refused';
  readonly status: number;
  readonly headers: OutgoingHttpHeaders;

  constructor(status: number, message: string, headers: OutgoingHttpHeaders = {}) {
    super(message);
    this.status = status;
    this.headers = headers;
  }
}
