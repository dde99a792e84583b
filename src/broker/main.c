/* SPDX-License-Identifier: MIT */
/* The broker: configure, supervise, route. */
#include "base/err.h"
#include "broker/broker.h"
#include "broker/options.h"
#include "platform/process.h"

int main(int argc, char **argv)
{
    umh_broker_options options = UMH_BROKER_OPTIONS_INIT;
    UMH_AUTO(umh_config) config = UMH_CONFIG_INIT; /* what should run               */
    UMH_AUTO_PTR(umh_broker) broker = NULL;        /* the loop and all that is on it */
    int r;

    r = umh_process_prepare();
    if (r == 0)
        r = umh_options_read(argc, argv, &options);
    if (r == UMH_OPTIONS_DONE)
        return 0;
    if (r == 0)
        r = umh_options_check_trust(&options);
    if (r == 0)
        /* reports what is wrong with single hosts */
        r = umh_options_load_config(&options, &config);
    if (r == 0)
        r = umh_broker_new(&options, &config, &broker);
    if (r == 0)
        r = umh_broker_run(broker); /* supervise and route; the first fatal failure */

    return umh_options_exit_code(r); /* reports it once */
}
