// SPDX-License-Identifier: MIT
// A module's Config as IConfiguration, made when a module first asks.
using System;
using System.Collections.Generic;
using System.Linq;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Primitives;

namespace UniversalModuleHost.Hosting;

/// <summary>
/// A root of its own, because it has to know whether somebody watches it: then a change is taken
/// over by whoever does, as IOptionsMonitor, and the module need not be reloaded.
/// </summary>
internal sealed class ModuleConfiguration : IConfigurationRoot
{
    private readonly Provider _provider = new();
    private volatile bool _isWatched;

    public ModuleConfiguration(string json) => _provider.Read(json);

    public bool IsWatched => _isWatched;

    public IEnumerable<IConfigurationProvider> Providers => [_provider];

    public string? this[string key]
    {
        get => _provider.TryGet(key, out string? value) ? value : null;
        set => _provider.Set(key, value);
    }

    public IConfigurationSection GetSection(string key) => new ConfigurationSection(this, key);

    public IEnumerable<IConfigurationSection> GetChildren() =>
        _provider.GetChildKeys([], null).Distinct(StringComparer.OrdinalIgnoreCase)
            .Select(GetSection);

    public IChangeToken GetReloadToken()
    {
        _isWatched = true;
        return _provider.GetReloadToken();
    }

    /// <summary>What is to be known comes from the host.</summary>
    public void Reload()
    {
    }

    /// <summary>Its change token tells who registered on it.</summary>
    public void Replace(string json)
    {
        _provider.Read(json);
        _provider.Tell();
    }

    private sealed class Provider : ConfigurationProvider
    {
        public void Read(string json) => Data = JsonPaths.Read(json);

        public void Tell() => OnReload();
    }
}
