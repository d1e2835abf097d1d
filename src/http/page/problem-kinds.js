// The kinds of problems: their names, what to do next, and the section of the runbook.

/**
 * @typedef {object} Kind
 * @property {string} of precedes the name of one
 * @property {string} many follows the number of several; empty if the agent has it only once
 * @property {string} todo what to do next
 * @property {string} anchor a heading of docs/runbook.md
 */

/** The runbook; a heading is appended as fragment. */
export const RUNBOOK = 'https://github.com/firesteel/firesteel/blob/main/docs/runbook.md';

/** @param {string} of @param {string} many @param {string} anchor @param {string} todo @returns {Kind} */
const kind = (of, many, anchor, todo) => ({ of, many, todo, anchor });

export const KINDS = {
  overdue: kind(
    '',
    '',
    'firesteelcyclesskipped',
    'Read the end of the agent’s log: it has the reason for skipped cycles. A process that hangs is killed after 100 s, and then the log names the last operation that was started.',
  ),
  skipped: kind(
    '',
    '',
    'firesteelcyclesskipped',
    'Find the slowest collector below, and check whether the agent gets enough CPU.',
  ),
  failing: kind(
    'collector ',
    'collectors fail',
    'firesteelcollectorfailing',
    'Check that the path in the reason is mounted and readable. ⋯ in its row runs it again now.',
  ),
  partial: kind(
    'collector ',
    'collectors have partial data',
    'firesteelcollectorfailing',
    'The rest of its data is pushed. Check the path and line in the reason.',
  ),
  disabled: kind(
    'collector ',
    'collectors are disabled',
    'firesteelcollectordisabled',
    'It is enabled again automatically. ⋯ in its row enables it now.',
  ),
  resource: kind(
    'resource ',
    'resources are not followed',
    'firesteelksmresourcedown',
    '403: the ClusterRole lacks it. Otherwise check the connection to the API server.',
  ),
  paused: kind(
    'receiver ',
    'receivers are paused',
    'firesteelnotdelivering',
    'Fix what the response names, here or at the receiver: retrying alone does not help.',
  ),
  retrying: kind(
    'receiver ',
    'receivers are behind',
    'firesteelnotdelivering',
    'Check that the receiver runs and is reachable from here: firesteel check-config FILE --connect.',
  ),
  catchingUp: kind(
    'receiver ',
    'receivers are catching up',
    'firesteelbacklogfilling',
    'Nothing to do while the backlog shrinks: older batches are sent at up to drain.bytesPerSecond.',
  ),
  spool: kind(
    '',
    'spools are unavailable',
    'firesteelspoolunusable',
    'Batches wait in memory in the meantime. Check the disk and the owner of the folder.',
  ),
  refused: kind(
    'receiver ',
    'receivers reject families',
    'firesteelsamplesdropped',
    'Find out what else pushes these families with another type, or exclude them with metricDenylist.',
  ),
  dropped: kind(
    'receiver ',
    'receivers did not get all samples',
    'firesteelsamplesdropped',
    'Look up the reason in the runbook: it names the limit or the receiver to change.',
  ),
  nothingPushed: kind('', '', 'nothing-is-pushed', 'Add an exporter to the configuration if series should be pushed.'),
  over: kind(
    'group ',
    'groups are over their series budget',
    'firesteelseriesbudgetexceeded',
    'Raise the budget, or exclude what is not needed with metricDenylist.',
  ),
  near: kind(
    'group ',
    'groups are near their series budget',
    'firesteelseriesbudgetexceeded',
    'Raise the budget before whole families are left out.',
  ),
  task: kind(
    'task ',
    'tasks fail',
    'a-task-fails',
    'Run it again from its row to see its error and, for a program, its output.',
  ),
  target: kind(
    '',
    'targets are down',
    'a-target-is-down',
    'Check that the target listens on this address and that network policies allow this node.',
  ),
  logs: kind(
    'log entries ',
    'log sources are behind',
    'log-entries-are-behind',
    'Positions are kept: nothing is lost while the source still has its entries. Check the source, then the receiver.',
  ),
  leader: kind('', '', 'firesteelnotonemaster', 'Check the Role for the Lease, and the other state agents.'),
  identity: kind(
    '',
    '',
    'firesteelpodnamesold',
    'Known containers keep their names. Check that the source is running and reachable from here.',
  ),
  reload: kind(
    '',
    '',
    'firesteelconfigrefused',
    'Correct the file, then reload: firesteel check-config FILE lists the same problems.',
  ),
};
