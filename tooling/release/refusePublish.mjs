// `prepublishOnly` of the packages: the workspace's scope belongs to somebody else on npm.

console.error(
  "This package is not published from the workspace: its scope belongs to somebody else on npm. " +
    "Run `pnpm release:pack --scope @name` with a scope that you own, and publish the tarballs that it writes.",
);
process.exit(1);
