import { Application } from "typedoc";
import { root, workspacePackages } from "./workspace.mjs";

// `npm run docs`: the API reference of all published packages, as pages under build/docs. A warning fails the run.

const entryPoints = workspacePackages()
  .filter((found) => found.public)
  .flatMap(({ entries }) => [...entries.values()].map((source) => root + source));

const app = await Application.bootstrap({
  name: "Mamba for TypeScript",
  entryPoints,
  tsconfig: `${root}tsconfig.check.json`,
  readme: "none",
  out: `${root}build/docs`,
  basePath: `${root}packages`,
  displayBasePath: `${root}packages`,
  excludeInternal: true,
  excludePrivate: true,
  skipErrorChecking: true, // `npm run check` checks types
  disableSources: true,
  treatWarningsAsErrors: true,
  validation: { notExported: true, invalidLink: true, rewrittenLink: true, notDocumented: false },
});
const project = await app.convert();
if (project === undefined) process.exit(1);
app.validate(project);
await app.generateDocs(project, `${root}build/docs`);
if (app.logger.hasErrors() || app.logger.hasWarnings()) process.exit(1);
