#include "volume_delegate/store/backing_store.h"

namespace vbs::volume_delegate {

std::string_view to_string(ObjectKind kind) {
  if (kind == ObjectKind::image) return "image";
  return kind == ObjectKind::volume ? "volume" : "snapshot";
}

tl::unexpected<Error> cannot_shrink(const Uuid& id, std::uint64_t size_bytes) {
  return fail_field("size_bytes", "must be at least " + std::to_string(size_bytes) +
                                      ", the present size of volume " + id.str() +
                                      "; volumes do not shrink");
}

Result<void> BackingStore::create_volume(const Uuid& id, std::uint64_t size_bytes) {
  auto prepared = prepare_empty(id, size_bytes);
  if (!prepared) return fail(prepared.error());
  CopyControl control;
  return (*prepared)->run(control);
}

}  // namespace vbs::volume_delegate
