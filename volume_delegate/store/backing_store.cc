#include "volume_delegate/store/backing_store.h"

namespace vbs::volume_delegate {

std::string_view to_string(ObjectKind kind) {
  return kind == ObjectKind::volume ? "volume" : "snapshot";
}

}  // namespace vbs::volume_delegate
