#include "volume_delegate/store/backing_store.h"

namespace vbs::volume_delegate {

std::string_view to_string(ObjectKind kind) {
  return kind == ObjectKind::volume ? "volume" : "snapshot";
}

tl::unexpected<Error> cannot_shrink(const Uuid& id, std::uint64_t size_bytes) {
  return fail_field("size_bytes", "must be at least " + std::to_string(size_bytes) +
                                      ", the present size of volume " + id.str() +
                                      "; volumes do not shrink");
}

}  // namespace vbs::volume_delegate
