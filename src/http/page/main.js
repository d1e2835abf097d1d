// Assembles the page.
import { agentFacts } from './agent.js';
import { setAgentClock, stopAges, tickAges } from './ages.js';
import { onTokenNeeded } from './api.js';
import { collectorTable } from './collectors.js';
import { configuration } from './configuration.js';
import { connectionPill } from './connection.js';
import { tokenDialog } from './dialogs.js';
import { explorer } from './explorer.js';
import { historyLines } from './history.js';
import { liveStatus } from './live.js';
import { logTable } from './logs.js';
import { manageDialog } from './manage.js';
import { overview } from './overview.js';
import { receiverCards } from './receivers.js';
import { seriesOverview } from './series.js';
import { targetTable } from './targets.js';
import { taskTable } from './tasks.js';

/** @import { StatusView } from '../status-view.ts' */

onTokenNeeded(tokenDialog());
const manage = manageDialog();
const metrics = explorer();
const parts = [
  overview(),
  historyLines(),
  collectorTable((id) => manage.open(id)),
  taskTable(),
  receiverCards(),
  logTable(),
  targetTable(),
  agentFacts(),
  seriesOverview((family) => metrics.open(family)),
  configuration(),
  (/** @type {StatusView} */ status) => manage.update(status),
  (/** @type {StatusView} */ status) => metrics.update(status),
];

const showConnection = connectionPill((pause) => (pause ? live.pause() : live.start()));
const live = liveStatus(
  (status) => {
    setAgentClock(status.nowMs);
    for (const show of parts) show(status);
    document.body.dataset.ready = 'true';
  },
  (connection, why) => {
    stopAges(connection === 'paused');
    showConnection(connection, why);
  },
);
live.start();
setInterval(tickAges, 1000);
