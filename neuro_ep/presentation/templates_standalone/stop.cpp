        Network::_globally_stopped = true;
