import { Argument, type Command } from "commander";
import type { ExitCode } from "./failure.ts";
import { say, sayJson } from "./say.ts";
import { quoted } from "./shell-words.ts";
import { exits, type Shown, verb } from "./verb.ts";

export const completion = (): Command =>
  verb("completion", "let the shell complete verbs, groups, lanes and revisions", null)
    .addArgument(new Argument("<shell>", "which shell").choices(["bash", "zsh"]))
    .addHelpText(
      "after",
      `\nIn ~/.bashrc or ~/.zshrc, with this folder's path:\n  eval "$(npm --prefix ${process.cwd()} run -s lanes -- completion bash)"`,
    )
    .action(exits(run));

/** This Node and this file: an `npx` at every Tab would take half a second more. `lanes` is a function only where no command has the name. */
function run(shell: "bash" | "zsh", { json }: Shown): ExitCode {
  const lanes = `${quoted(process.execPath)} ${quoted(`${import.meta.dirname}/lanes.ts`)}`;
  const script = `command -v lanes >/dev/null || lanes() { ${lanes} "$@"; }\n${shell === "bash" ? bash(lanes) : zsh(lanes)}`;
  if (json) sayJson({ shell, script });
  else say(script);
  return 0;
}

const bash = (lanes: string) => `_lanes() {
  local IFS=$'\\n'
  COMPREPLY=($(${lanes} complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
  [[ \${COMPREPLY[0]} == *= ]] && compopt -o nospace
}
complete -o default -F _lanes lanes`;

const zsh = (lanes: string) => `_lanes() {
  local -a found
  found=("\${(@f)$(${lanes} complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  compadd -S '' -- \${(M)found:#*=}
  compadd -- \${found:#*=}
  [[ -n $found ]] || _files
}
compdef _lanes lanes`;
