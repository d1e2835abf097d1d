/** The output of `npm audit --json` as one readable line; bad if a package has a high or critical vulnerability. */
export function auditVerdict(json: string): { readonly text: string; readonly isBad: boolean } {
  const answer = parsed(json);
  if (answer?.vulnerabilities === undefined) {
    return {
      text: `audit: skipped, no registry answers: ${answer?.message ?? 'no list of vulnerabilities'}`,
      isBad: false,
    };
  }
  const found = Object.entries(answer.vulnerabilities).filter(([, { severity }]) =>
    /^(?:high|critical)$/.test(severity),
  );
  const names = found.map(([name, { severity }]) => `${name} (${severity})`);
  if (names.length === 0) return { text: 'audit: no high or critical vulnerability is known', isBad: false };
  return { text: `audit: update or replace ${names.join(', ')}; \`npm audit\` has the details`, isBad: true };
}

interface Answer {
  readonly message?: string;
  readonly vulnerabilities?: Readonly<Record<string, { readonly severity: string }>>;
}

function parsed(json: string): Answer | undefined {
  try {
    return JSON.parse(json) as Answer;
  } catch {
    return undefined;
  }
}
