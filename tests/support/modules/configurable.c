/* SPDX-License-Identifier: MIT */
/* A module that takes a changed Config over, unless that says otherwise. */
#include "configurable.h"

static int configure(void *state, const char *config)
{
    long long until_ns = now_ns() + config_number(self.host, "SlowMs", 0) * 1000000;

    (void)state;
    enter();
    self.told_count++;
    self.error_count += strcmp(config, self.host->configuration(self.host)) != 0;
    self.error_count += self.first_config[0] != '{';
    while (now_ns() < until_ns)
        continue;
    leave();
    return (int)config_number(self.host, "Refuse", 0);
}

const umh_module_v1 *umh_module_entry(void)
{
    static const umh_module_v1 module = {
        .size = sizeof(module),
        .abi_version = UMH_MODULE_ABI_VERSION,
        .name = "configurable",
        .version = "1.0",
        .init = init,
        .on_message = on_message,
        .configure = configure,
    };

    return &module;
}
