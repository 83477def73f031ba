#pragma once

#include <string>

namespace vbs::cli {

/// Scripts made from the command table, for `source <(vbs completion bash)`. Ids of volumes,
/// snapshots and operations are asked of the service, and never evaluated by the shell.
std::string bash_completion();
/// The same script on top of zsh's bashcompinit.
std::string zsh_completion();

}  // namespace vbs::cli
