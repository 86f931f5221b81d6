/** Entries of the audit of the key `off`, as `group/registry.ts` writes them: `off: mock, shop`, `on: *`, and `changed outside`. */
const ACTION = /^(on|off): (.*)$/;

/** Is an entry about this group? A value that came beside us may be about any. */
export const concerns =
  (name: string) =>
  ({ action }: { readonly action: string }): boolean => {
    const [, , groups = ""] = ACTION.exec(action) ?? [];
    return groups === "*" || groups.split(", ").includes(name) || action === "changed outside";
  };
