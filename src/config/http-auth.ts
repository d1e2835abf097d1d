import * as z from 'zod';
import { filePath } from './units.ts';

/** About two kinds of credentials for one request. */
export const TWO_CREDENTIALS = 'set either username with passwordFile, or bearerTokenFile, not both';

/** Credentials of requests to targets: a user name with its password, or a bearer token. */
export const httpAuth = z
  .strictObject({
    username: z.string().min(1).optional().describe('User name for basic authentication.'),
    passwordFile: filePath('File with the password of username; read again when it changes.').optional(),
    bearerTokenFile: filePath('File with the bearer token; read again when it changes.').optional(),
  })
  .refine((value) => (value.username === undefined) === (value.passwordFile === undefined), {
    error: 'username and passwordFile must be set together',
  });
