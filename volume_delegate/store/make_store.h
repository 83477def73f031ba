#pragma once

#include <memory>

#include "common/clock.h"
#include "common/error.h"
#include "volume_delegate/store/backing_store.h"
#include "volume_delegate/store/store_settings.h"

namespace vbs::volume_delegate {

/// Opens the store that the settings ask for, and logs what it is. `clock` outlives it.
Result<std::unique_ptr<BackingStore>> make_store(const StoreSettings& settings, Clock& clock);

}  // namespace vbs::volume_delegate
