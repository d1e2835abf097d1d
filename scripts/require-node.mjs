// npm scripts run on the Node of devDependency `node`. After `npm ci --ignore-scripts` it is missing, and they would
// silently run on whatever Node the system has.
const major = Number(process.versions.node.split('.')[0]);
if (major < 24) {
  console.error(`Node ${process.version} is too old (24 or newer is needed): run "npm ci" without --ignore-scripts.`);
  process.exit(1);
}
