// `helm test`: queries the receiver for the pushes of this release. Runs as `node --eval`, because the image has no shell.
import { readFileSync } from 'node:fs';

const { QUERY_URL, RECEIVER, JOB, CLUSTER, NODE_NAME, NODE_AGENTS, STATE_AGENTS, SECRETS, HEADERS } = process.env;
const deadline = Date.now() + Number(process.env.TIMEOUT_SECONDS) * 1000;
const secret = (name) => {
  try {
    return readFileSync(`${SECRETS}/${name}`, 'utf8').trimEnd();
  } catch {
    return undefined;
  }
};

const headers = JSON.parse(HEADERS);
for (const name of JSON.parse(process.env.SECRET_HEADERS)) headers[name] = secret(`header-${name.toLowerCase()}`) ?? '';
const [token, password] = [secret('token'), secret('password')];
const user = secret('username') ?? process.env.USERNAME;
if (token !== undefined) headers.authorization = `Bearer ${token}`;
if (password !== undefined) headers.authorization = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;

const inCluster = CLUSTER === '' ? '' : `,cluster=${JSON.stringify(CLUSTER)}`;
const own = (matcher) => `up{job=${JSON.stringify(JOB)},instance${matcher}${inCluster}}`;
const wanted = [
  ...(NODE_AGENTS ? [{ what: `the agent of node ${NODE_NAME}`, query: own(`=${JSON.stringify(NODE_NAME)}`), label: NODE_NAME }] : []),
  ...(STATE_AGENTS ? [{ what: 'a state agent', query: own(`=~"${STATE_AGENTS}-.+"`), label: `${STATE_AGENTS}-` }] : []),
];

async function get(path) {
  const response = await fetch(QUERY_URL.replace(/\/+$/, '') + path, { headers, signal: AbortSignal.timeout(10_000) });
  if (!response.ok) throw new Error(`${QUERY_URL} responded with ${response.status}; set test.queryUrl if queries need another URL`);
  return response.text();
}

// A Pushgateway does not support queries: its metrics page shows the groups.
const found = async ({ query, label }) => {
  if (RECEIVER === 'pushgateway') {
    const page = await get('/metrics');
    return page.split('\n').some((line) => line.startsWith('up{') && line.includes(`job="${JOB}"`) && line.includes(`instance="${label}`));
  }
  const answer = JSON.parse(await get(`/api/v1/query?${new URLSearchParams({ query })}`));
  return answer.data.result.length > 0;
};

for (const one of wanted) {
  let problem;
  while (Date.now() < deadline) {
    try {
      if (await found(one)) break;
      problem = `no ${one.query} at ${QUERY_URL}`;
    } catch (cause) {
      problem = String(cause.cause ?? cause);
    }
    await new Promise((resolve) => setTimeout(resolve, 2000));
  }
  if (problem !== undefined && !(await found(one).catch(() => false))) {
    console.error(`nothing came from ${one.what}: ${problem}`);
    process.exit(1);
  }
  console.log(`${one.what} pushes`);
}
