#include "common/wire/image.h"

#include "common/wire/read.h"

namespace vbs::wire {

Result<ImageStatus> ImageStatus::from_json(const json::Value& value) {
  json::Fields fields(value);
  ImageStatus status;
  status.id = read_uuid(fields, "id");
  status.name = read_any_text(fields, "name");
  status.size_bytes = fields.uint64("size_bytes");
  return finished(fields, std::move(status));
}

void ImageStatus::to_json(json::Writer& out) const {
  out.begin_object();
  out.member("id", id.str());
  out.member("name", name);
  out.member("size_bytes", size_bytes);
  out.end_object();
}

}  // namespace vbs::wire
